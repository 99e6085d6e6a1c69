"""The console in real headless Chromium, over the mock of the API."""
