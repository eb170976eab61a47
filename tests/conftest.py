"""Shared fixtures. The servers, markers and closed sockets come from config/devstack/pytest_plugin.py."""
