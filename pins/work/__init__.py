"""The own page of somebody who works in the flats, behind a secret address: what to do where, and their code."""
