"""What an administrator asks of a cluster: topics, their settings and sizes, groups. `Client` has all of it."""

from penstock.client.admin.configs import Configs
from penstock.client.admin.groups import Groups
from penstock.client.admin.topics import Topics

__all__ = ["Configs", "Groups", "Topics"]
