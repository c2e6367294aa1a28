from __future__ import annotations

from typing import Any

from celeriac import Celeriac


def options(url: str, **conf: Any) -> dict[str, Any]:
    app = Celeriac("opts", backend=url, set_as_current=False)
    app.conf.update(conf)
    return dict(app._backend_options(url))


def plain(url: str, **conf: Any) -> dict[str, Any]:
    return {name: value for name, value in options(url, **conf).items() if name != "where_unsaid"}


def test_the_settings_of_a_result_store_in_redis_reach_its_driver() -> None:
    tls = {"ssl_ca_certs": "ca.pem"}

    found = options("rediss://here/0", redis_backend_use_ssl=tls, redis_password="secret", redis_socket_timeout=3.0)

    assert (found["ssl"], found["socket_timeout"], found["where_unsaid"]["password"]) == (tls, 3.0, "secret")


def test_what_nobody_set_is_the_drivers_business_and_transport_options_win() -> None:
    assert plain("redis://here/0", result_backend_transport_options={"global_keyprefix": "p"}) == {"global_keyprefix": "p"}
    assert plain("redis://here/0", redis_client_name="a", result_backend_transport_options={"client_name": "b"}) == {"client_name": "b"}
