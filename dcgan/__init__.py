"""A DCGAN from pictures to a page of faces. Importing it starts nothing."""

from dcgan.environment import provide_home

provide_home()  # before the libraries that the rest imports look for it

from dcgan.errors import InputError
from dcgan.latents import latent, latents, slerp, walk
from dcgan.models import Discriminator, Generator
from dcgan.sampling import faces

__all__ = ["Discriminator", "Generator", "InputError", "faces", "latent", "latents", "slerp", "walk"]
