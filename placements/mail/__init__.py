"""E-mail: written in the transaction that causes it, sent by the worker, each message once."""
