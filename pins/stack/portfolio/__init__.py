"""A portfolio of made-up properties, guests and codes, to try and to measure Turnkey with many of them.

`making.make` does it all. It writes in bulk, without signals, on purpose. What the signals would have made of each
booking is made here too, as a running installation would have it by now.
"""
