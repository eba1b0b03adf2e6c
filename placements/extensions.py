"""The libraries that need the application, made once and bound to it in create_app."""

from inspect import iscoroutinefunction

from flask.sansio.app import App
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_sqlalchemy_lite import SQLAlchemy
from flask_wtf import CSRFProtect


class Database(SQLAlchemy):
    """Flask-SQLAlchemy-Lite without asynchronous sessions, of which there are none here: to close them, each
    request would start a thread with an event loop, which took an eighth of the time of a small page."""

    def init_app(self, app: App) -> None:
        super().init_app(app)
        ends = app.teardown_appcontext_funcs
        ends[:] = [end for end in ends if not iscoroutinefunction(end)]


db = Database()
login_manager = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, strategy="moving-window", headers_enabled=True)
