"""A small book made from the demo: three accounts, and a mandate without tickets."""

import subprocess
import sys

import pytest

PLAYBOOK = """
[[signals]]
name = "equity trend"
kind = "moving_average_gap"
series = ["USMKT"]
about = "equity"
window = 10
stale_days = 45
[[signals]]
name = "equity momentum"
kind = "momentum"
series = ["USMKT"]
about = "equity - bonds"
lookback = 12
skip = 1
transforms = [{ kind = "zscore", window = 120, least = 60 }]
[[signals]]
name = "energy momentum"
kind = "momentum"
series = ["ENERGY"]
about = "ENERGY"
lookback = 12
skip = 1
transforms = [{ kind = "zscore", window = 120, least = 60 }]
[[signals]]
name = "energy dear"
kind = "momentum"
series = ["ENERGY"]
about = "ENERGY"
lookback = 12
skip = 0
sign = -1
transforms = [{ kind = "zscore", window = 120, least = 60 }]
[[signals]]
name = "storm"
kind = "realised_volatility"
series = ["USMKT"]
window = 6
year = 12
[[regimes]]
name = "fear"
kind = "volatility"
signal = "storm"
thresholds = [0.01]
drives_limits = true
[[opinions]]
name = "shares over bonds"
about = "equity - bonds"
signals = ["equity momentum"]
least = 0.1
[[overlays]]
kind = "momentum"
signals = ["energy momentum"]
per_score = "3%"
most = "2%"
fund = "CASH"
[[overlays]]
kind = "valuation"
signals = ["energy dear"]
per_score = "3%"
fund = "CASH"
[[rules]]
name = "shorter bonds while the trend holds"
when = [{ signal = "equity trend", above = 0.0, days = 5 }]
then = [{ channel = "target", about = "TBILL - UST20", value = "4%" }]
[[limits]]
kind = "tracking_error"
name = "less risk in fear"
most = "1.5%"
when = "stressed"
"""


@pytest.fixture
def book(tmp_path, demo_book):
    folder = demo_book(tmp_path / "book", ("001", "002", "003"), without=("phases",))
    (folder / "restrictions.csv").write_text("account_id,asset_id,rule\n003,ENERGY,no_buy\n")
    return folder


@pytest.fixture
def mandate(tmp_path, limits):
    path = tmp_path / "policy.toml"
    path.write_text(limits)
    return path


@pytest.fixture
def playbook():
    """Signals, a regime, an opinion, overlays and a rule on the returns of the demo book; more of a policy."""
    return PLAYBOOK


@pytest.fixture
def trimtab(tmp_path, capfd, monkeypatch):
    """Run a command in this process, as a terminal of a width would; return status, stdout and stderr."""
    from trimtab.cli.commands import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return left.value.code, out, err

    return call


@pytest.fixture
def python():
    """Run Python afresh."""
    return lambda *arguments: subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
