"""trimtab turns tactical views into trades: the fewest that a mandate allows, each with its reason and its proof.

The map of the house. The floors are one column, and each knows only those above it:

    errors, units    what can go wrong, and how amounts are read
    models/          the nouns: universe, risk, costs, market, account, views; and the tilt that views make
    signals/         what is known on a day, and the views that rules make of it
    constraints/     the limits of a mandate, and the policy that holds them
    optimizer/       state, due, solve, propose; `rebalance` is the four in one
    batches/         the same for many accounts: a book of tables in, a run of tables out
    scenarios/       the same in another market, with a number turned, of another day
    attribution/     what came of it: returns split to decisions, skill, feedback
    governance/      who decided what, and why: the ledger, approvals, releases
    reports/         the page a committee reads
    cli/             the command line

`demo/` holds the demo book, and `run.py` (set-up and tasks) needs nothing but Python. Start with
`optimizer/rebalancing.py`: it is the product in one function.

Nothing is imported here, on purpose: a checkout may have any name, and pytest would load each module a second time.
"""
