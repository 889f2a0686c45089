"""Many accounts: a book of tables in, a run of tables out."""
