"""
Fuzzers, to be run by hand: ``python tests/fuzz/run.py --minutes 10 front``.

Cases come from a corpus, changed by chance; what decides is a slow and obvious
reader that was written apart from the gateway.  There is no fuzzing engine
behind them: what matters here are not paths through Python, which coverage
would find, but grammars (JSON, event streams, HTTP), and those are better
broken by mutations that know them.  A case is made from its number alone, so
any of them can be looked at again.
"""
