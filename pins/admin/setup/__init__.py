"""The first run: from an empty database to a code on a lock, step by step.

Where somebody is follows from what is there: `facts` reads it, `steps` judges it, and nothing is kept beside. So the
pages can be left and opened again, by anybody and on any device, and `manage.py doctor` says the same.
"""
