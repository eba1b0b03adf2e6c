"""Practice educators: their time, whom they may supervise and where, and when they are away."""
