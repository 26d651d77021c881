"""The project's own gathers of DeepSeek sparse attention's index: strict by the contract, in Triton."""

from kernels.gather import get_k, get_k_and_s, get_s

__all__ = ["get_k", "get_k_and_s", "get_s"]
