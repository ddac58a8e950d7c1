"""The web server: gunicorn keeps its processes, waitress receives requests whole before a thread sees them."""
