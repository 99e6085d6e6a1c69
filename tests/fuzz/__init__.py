"""Requests of every API and version, spoilt in every way: whatever is sent, nothing but protocol errors comes back."""
