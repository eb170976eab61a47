"""What `manage.py bench` runs. Each needs a database of its own or leaves no rows that disturb others."""
