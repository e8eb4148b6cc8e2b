"""Interactive Brokers: the only room that knows its client library.

`brokers.ib.broker.IBBroker` is the port `portfolio.ports.Broker` on a gateway of IB's, or on `brokers.simulator`.
"""
