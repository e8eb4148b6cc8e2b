"""A gateway that speaks the TWS wire protocol over a real socket, and never looks outside.

`brokers.simulator.gateway.serve` runs one; `brokers.simulator.market` is what it knows of the world;
`brokers.simulator.faults` is how it misbehaves on request.
"""
