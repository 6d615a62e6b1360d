"""The Hugging Face Hub: finding repositories, looking into them, naming their files."""
