"""Settings of the web server. `gunicorn config.wsgi` reads this file by its name, wherever it is started for Turnkey;
what stands on the command line wins."""

worker_class = "config.web.worker.BufferingWorker"
threads = 8  # for pages, of each process; those for log-ins and health checks come on top
timeout = 60  # seconds without a sign of life, then a process is replaced
graceful_timeout = 5  # seconds for requests under way when the server ends
loglevel = "warning"
control_socket_disable = True
