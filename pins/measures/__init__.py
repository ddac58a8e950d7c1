"""What Turnkey counts about itself: the promise on the board, and the figures of `/metrics`."""
