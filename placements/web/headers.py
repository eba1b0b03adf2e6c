"""Security headers on every answer: only our own scripts and styles run, and no page is framed."""

from flask import Flask, g
from flask_talisman import Talisman

from placements.settings import Settings

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def init_app(app: Flask, settings: Settings) -> None:
    policy = dict(POLICY)
    if settings.use_frutiger:
        policy["font-src"] = ["'self'", "https://assets.nhs.uk"]

    @app.after_request
    def _refer_less(response):  # type: ignore[no-untyped-def]  # Flask's own hook signature
        # Registered first and so asked last: a page whose own address is private says less of it.
        if "referrer_policy" in g:
            response.headers["Referrer-Policy"] = g.referrer_policy
        return response

    Talisman(
        app,
        force_https=settings.secure_cookies,
        session_cookie_secure=settings.secure_cookies,
        strict_transport_security=settings.secure_cookies,
        content_security_policy=policy,
        # The design system's page template has one inline line; the nonce lets it, and nothing else, run.
        content_security_policy_nonce_in=["script-src"],
        frame_options="DENY",
        referrer_policy="same-origin",
    )

    @app.after_request
    def _keep_private(response):  # type: ignore[no-untyped-def]  # Flask's own hook signature
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response
