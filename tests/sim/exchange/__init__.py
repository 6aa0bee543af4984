"""Flyte's exchange, simulated: packs, and the real code of three hosts, from request to answer.

Packs register at one host and call another; they send events, take actions and send results, each
through any host. Hosts crash and lose their power, appends are refused, messages and answers get
lost, and packs die or are deleted. The handlers of the API, the hub's parts behind them, the cores
and the evaluator are the real ones. The rules are those of docs/flyte.md.

    python -m tests.sim.exchange --seeds 20000
    python -m tests.sim.exchange --seed 7 --bug unknown-pack-is-404
"""
