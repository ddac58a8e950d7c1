"""A faithful Tedee cloud for demonstrations and tests: in-process or as its own HTTP server.

Only commands and tests import this package. It shares no rules with the code that it checks: those for PIN values,
bodies and dates are written a second time on purpose.

Where to look: `cloud.Cloud` holds the state and has a method for everything that a person can do to a lock by hand,
`settings` says where it differs from its documents, `answering` replies to requests, `devices` is one lock, `faults` is
what goes wrong, `journal` is what happened, and `lives` counts in it. `transport.CloudTransport` carries requests
in-process, `server.SimulatorServer` over sockets; `control` has the page. People read `docs/simulator.md`.
"""
