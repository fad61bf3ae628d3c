"""The images of wirelab on an engine, on which other tests tag and build images at the same time."""

from __future__ import annotations

import re

import docker

OWN_TAG = re.compile(r"wirelab/client:[0-9a-f]{12}")


def client_image(client: docker.DockerClient) -> str | None:
    """The tag of wirelab's newest image for clients; None where it was not built. Tags of tests do not count."""
    # The list alone: an image that another test removes meanwhile cannot be inspected.
    images = client.api.images(filters={"label": "wirelab.image=client"})
    tags = ((tag.removeprefix("localhost/"), image["Created"]) for image in images for tag in image["RepoTags"] or ())
    created = {tag: when for tag, when in tags if OWN_TAG.fullmatch(tag)}
    return max(created, key=created.__getitem__, default=None)
