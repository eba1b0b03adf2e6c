"""The allocation that stands, and its publications."""
