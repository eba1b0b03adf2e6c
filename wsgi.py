"""The application for a WSGI server: `gunicorn wsgi:app`."""

from placements import create_app

app = create_app()
