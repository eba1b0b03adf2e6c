"""Settings, read once from the environment. Every name starts with PLACEMENTS_."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Where things are and how they are reached.

    `database_url` is an SQLAlchemy URL. `var` holds everything this installation writes. `secure_cookies`
    belongs on wherever the site is served over HTTPS; it is off by default since `make run` is not.
    `site_processes` is how many serve pages: more than one needs PostgreSQL and a shared
    `rate_limit_storage`. `site_url` begins the links in e-mails. `smtp_url` is a mail server
    (smtp://user:password@host:587, smtps:// for TLS from the first byte); without one e-mails are only
    written to the log.
    """

    var: Path
    database_url: str
    secret_key: str
    host: str = "127.0.0.1"
    port: int = 8000
    secure_cookies: bool = False
    use_frutiger: bool = False
    rate_limits: bool = True
    rate_limit_storage: str = "memory://"
    trusted_proxies: int = 0
    site_processes: int = 1
    site_url: str = "http://127.0.0.1:8000"
    smtp_url: str = ""
    mail_from: str = "Placements <placements@localhost>"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; raises ValueError naming the variable where a value cannot be used."""
    var = Path(environ.get("PLACEMENTS_VAR", ROOT / "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    database_url = _database_url(environ, f"sqlite:///{var / 'placements.sqlite'}")
    most_processes = 1 if database_url.startswith("sqlite") else 64
    port = _number(environ, "PLACEMENTS_PORT", 8000, least=1, most=65535)
    return Settings(
        var=var,
        database_url=database_url,
        secret_key=environ.get("PLACEMENTS_SECRET_KEY") or _kept_secret(var / "secret-key"),
        host=environ.get("PLACEMENTS_HOST", "127.0.0.1"),
        port=port,
        secure_cookies=_switch(environ, "PLACEMENTS_SECURE_COOKIES"),
        use_frutiger=_switch(environ, "PLACEMENTS_USE_FRUTIGER"),
        rate_limit_storage=environ.get("PLACEMENTS_RATE_LIMIT_STORAGE", "memory://"),
        trusted_proxies=_number(environ, "PLACEMENTS_TRUSTED_PROXIES", 0, least=0, most=5),
        site_processes=_number(environ, "PLACEMENTS_SITE_PROCESSES", 1, least=1, most=most_processes),
        site_url=_site_url(environ, f"http://127.0.0.1:{port}"),
        smtp_url=_smtp_url(environ),
        mail_from=environ.get("PLACEMENTS_MAIL_FROM") or Settings.mail_from,
    )


def _site_url(environ: Mapping[str, str], default: str) -> str:
    """The address under which people open the site, without a slash at the end."""
    name = "PLACEMENTS_SITE_URL"
    text = (environ.get(name) or default).rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"{name} is {text!r}: it must begin with https:// (or http:// for a trial)")
    return text


def _smtp_url(environ: Mapping[str, str]) -> str:
    """A mail server, or nothing."""
    name = "PLACEMENTS_SMTP_URL"
    text = environ.get(name, "")
    try:
        parts = urlsplit(text)
        fits = not text or (parts.scheme in ("smtp", "smtps") and parts.hostname and (parts.port or 1) > 0)
    except ValueError:
        fits = False
    if not fits:
        # It may hold a password, so it is not repeated.
        raise ValueError(f"{name} must look like smtp://user:password@host:587")
    return text


def _database_url(environ: Mapping[str, str], default: str) -> str:
    """SQLite or PostgreSQL, the latter always by the one driver that is installed."""
    name = "PLACEMENTS_DATABASE_URL"
    text = environ.get(name) or default
    scheme, separator, rest = text.partition("://")
    if scheme in {"postgres", "postgresql"}:
        return f"postgresql+psycopg://{rest}"
    if not separator or scheme not in {"sqlite", "postgresql+psycopg"}:
        # The rest of the address may hold a password, so it is not repeated.
        raise ValueError(f"{name} must begin with sqlite:///, followed by a file's path, or postgresql://")
    return text


def _kept_secret(path: Path) -> str:
    """The signing key of this installation, made on first use and readable by its owner alone."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        file.write(secret := secrets.token_hex(32))
    return secret


def _number(environ: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name} is {text!r}: it must be a whole number from {least} to {most}")
    return int(text)


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "off").lower()
    if text not in {"on", "off"}:
        raise ValueError(f"{name} is {text!r}: it must be on or off")
    return text == "on"
