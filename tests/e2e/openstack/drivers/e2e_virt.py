"""Nova's own fake virtualisation driver, with what a cloud that lives for more than one test needs.

1. Nova 34 fetches the allocations of every server of a host from Placement, one request each, whenever it claims
   resources (resource_tracker._update_to_placement). They matter only in a reshape of providers, which the fake driver
   never asks for; but with 200 servers on a host a boot takes 70 s. They are answered with {}.
2. The plain FakeDriver makes up a new node for each process, and nova-compute then refuses to start a second time ("No
   local node identity found, but this is not our first startup on this host"). FakeDriverWithoutFakeNodes keeps it.
3. The fake driver forgets its guests when nova-compute stops. Those that Nova knows are adopted when they are touched.
4. Its snapshot uploads nothing, so the image would stay `queued` for ever. A few bytes are uploaded.
"""

import io
from typing import Any

from nova.compute import power_state, task_states
from nova.image import glance
from nova.scheduler.client import report
from nova.virt import fake

report.SchedulerReportClient.get_allocations_for_provider_tree = lambda *_: {}


class LargeHost(fake.FakeDriverWithoutFakeNodes):
    """A host with room for hundreds of servers."""

    def _adopt(self, instance: Any) -> None:
        if instance.uuid in self.instances:
            return
        flavor = instance.flavor
        self.resources.claim(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)
        state = instance.power_state or power_state.RUNNING
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)

    def get_info(self, instance: Any, *, use_cache: bool = True) -> Any:
        """Tell the power state."""
        if instance.launched_at:
            self._adopt(instance)
        return super().get_info(instance, use_cache=use_cache)

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> Any:
        """Stop a guest."""
        self._adopt(instance)
        return super().power_off(instance, *args, **kwargs)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        """Start a guest."""
        self._adopt(instance)
        return super().power_on(context, instance, *args, **kwargs)

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        """Upload a few bytes as the image of a guest."""
        self._adopt(instance)
        update_task_state(task_state=task_states.IMAGE_UPLOADING)
        images = glance.API()
        name = images.get(context, image_id)["name"]
        meta = {"name": name, "disk_format": "raw", "container_format": "bare"}
        images.update(context, image_id, meta, data=io.BytesIO(b"snapshot"), purge_props=False)

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        """Delete a guest."""
        self._adopt(instance)
        return super().destroy(context, instance, *args, **kwargs)


class SmallHost(LargeHost):
    """A host of the kind that Blazar reserves."""

    vcpus = 10
    memory_mb = 8192
    local_gb = 1028
