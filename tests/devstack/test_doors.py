import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_a_test_cannot_leave_this_machine():
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.django_db
def test_the_database_keeps_its_promises(settings):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit'), version()")
        fsync, synchronous_commit, version = cursor.fetchone()

    assert (fsync, synchronous_commit) == ("on", "on")
    assert "PostgreSQL" in version
