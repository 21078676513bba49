from tests.acceptance.test_bad_requests import *  # noqa
def test_x(server, ask, monkeypatch):
    from procession.api import dispatch
    monkeypatch.setattr(dispatch.Dispatch, "_find", lambda *a: 1/0)
    ask("GET", "/health/live")
    monkeypatch.undo()
