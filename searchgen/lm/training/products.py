"""In which numbers a device multiplies matrices fastest while a network learns; weights, sums, norms and losses stay 32-bit."""

import torch

__all__ = ["product_dtype"]


def product_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device has circuits for it, float32 otherwise.

    Args:
        device: where the network is. CPUs have circuits in AMX tiles or AVX-512 BF16; those without compute bfloat16 slower than float32.

    Example:
        >>> product_dtype(torch.device("cpu")) in (torch.bfloat16, torch.float32)
        True
    """
    if device.type == "cuda":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        there = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if there else torch.float32
