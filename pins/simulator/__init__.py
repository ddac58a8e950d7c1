"""A faithful Tedee cloud for demonstrations and tests: in-process or as its own HTTP server.

Only commands and tests import this package. It shares no code with the side it is meant to check:
its rules for PIN values, bodies and dates are written a second time on purpose.

Where to look: `cloud.Cloud` is the cloud and the hands of a person on it, `answering` what it replies,
`devices` what one lock does, `faults` what goes wrong, `journal` what happened,
`transport.CloudTransport` the in-process door, `server.SimulatorServer` the real sockets, `control` the page.
"""
