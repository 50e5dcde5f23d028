"""Tells the cluster which service accounts have an association, as EKS tells its webhook: some moments later."""

import logging
import threading
import time

from . import kubernetes, settings

log = logging.getLogger("associations")


class Published:
    """Keeps a ConfigMap that the injecting policy reads: NAMESPACE.SERVICE-ACCOUNT for each association, and two settings."""

    def __init__(self):
        self.stirred = threading.Event()

    def changed(self) -> None:
        self.stirred.set()

    def start(self) -> None:
        threading.Thread(target=self._run, name="associations", daemon=True).start()

    def _run(self) -> None:
        client, last, at = None, None, 0.0
        while True:
            try:
                client = client or settings.loopback_client("eks")
                data = self._data(client)
                # Put there again now and then, whoever may have changed it.
                if data != last or time.monotonic() - at > 60:
                    kubernetes.publish(data)
                    if data != last:
                        log.info("the cluster is told of %d associations", len(data) - 2)
                    last, at = data, time.monotonic()
                wait = 10.0
            except Exception as error:
                log.warning("the cluster was not told of associations: %s", error)
                last, wait = None, 2.0
            self.stirred.wait(wait)
            self.stirred.clear()

    @staticmethod
    def _data(client) -> dict[str, str]:
        cluster = settings.told("cluster")
        data = {"region": settings.region, "endpoint": settings.told("endpoint")}
        if cluster in client.list_clusters()["clusters"]:
            # ministack's answers have one page, of a hundred unless asked for more.
            for found in client.list_pod_identity_associations(clusterName=cluster, maxResults=5000)["associations"]:
                data[f"{found['namespace']}.{found['serviceAccount']}"] = found["associationId"]
        return data
