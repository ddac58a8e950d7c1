"""A portfolio of made-up properties, guests and codes, to try Turnkey out with many of them and to measure it.

`making.make` does it all. Written in bulk and past the signals on purpose: what the signals would make of each booking
is made here too, as a running installation would have it by now.
"""
