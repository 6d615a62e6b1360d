"""The one door to llama_cpp: owns llama.cpp's handles and frees them in order.

Only the engine process imports it.
"""
