"""Which proxy stands before an API server: for the asynchronous client, so that both halves of the port take the same
way. The official synchronous client knows networks in NO_PROXY (10.96.0.0/12), aiohttp and urllib do not, and inside a
cluster the API server is known by its address alone (KUBERNETES_SERVICE_HOST)."""

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies


def proxy_for(host: str, named: str | None = None) -> str | None:
    """`named` is the kubeconfig's own (`proxy-url`); else the environment's for that address. None: straight there."""
    proxies = getproxies()
    proxy = named or proxies.get(urlsplit(host).scheme) or proxies.get("all")
    return None if not proxy or is_exempt(host, proxies.get("no", "")) else proxy


def is_exempt(host: str, no_proxy: str) -> bool:
    parts = urlsplit(host)
    name, place = (parts.hostname or "").lower(), parts.netloc.lower()
    return any(matches(rule.strip().lower(), name, place) for rule in no_proxy.split(","))


def matches(rule: str, name: str, place: str) -> bool:
    if not rule or rule == "*":
        return bool(rule)
    suffix = rule.lstrip(".")
    if any(one == suffix or one.endswith(f".{suffix}") for one in (name, place)):
        return True
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
