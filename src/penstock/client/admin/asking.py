"""What every part of a client has: the cluster it asks."""

from penstock.client.cluster import Cluster


class Asking:
    """One part of a client; the parts share one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
