"""A hundred prompts by which the exported file is held against the trained network."""

from __future__ import annotations

from typing import Final

_LIST: Final = """
Hello! / Good morning! / Who are you? / How are you? / Thank you! / Goodbye! / Tell me a joke.
Tell me a riddle. / What can you do? / Are you alive? / I am sad. / I am bored. / Sing a song.
What is your favourite colour? / How old are you? / You are great! / You are stupid. / I love you.
What is Workbench? / How do I quit? / How do I stop an answer? / How do I load another model?
What are lanes? / What does F6 do? / What does F7 do? / How do I start a new chat?
How do I download a model? / How do I delete a model? / Does it fit my machine?
How do I compare two temperatures? / How do I copy an answer? / How do I change the theme?
Where are my conversations kept? / Can I use it over SSH? / Is my data private?
How do I set a system prompt? / What is a preset? / How do I reset a parameter?
What does ctrl+y do? / What does F12 do? / How do I edit my message? / How do I search my chats?
How do I export a conversation? / What is the command palette? / What happens after a crash?
What is temperature? / What does top_k do? / What is min_p? / What is the default of top_p?
Which values can mirostat take? / What is a seed? / What does repeat_penalty do? / n_ctx
How do I use my GPU? / What is flash attention?
What is the default of n_batch? / Explain xtc_probability.
What is a token? / What is a GGUF file? / What is quantisation?
What is Q4_K_M? / What is the KV cache?
What is the context? / How much memory does a model need? / What is entropy? / What is perplexity?
What is a chat template? / What is llama.cpp? / What does 7B mean? / What is speculative decoding?
What is attention? / Why do models make things up? / What is a mixture of experts?
What is the capital of France? / What is the capital of Japan? / What does a cow say?
What is the opposite of hot? / What colour is the sky? / What are the seasons?
How many days has a week?
Count to ten. / What is the moon? / What is 3 plus 4? / What is 9 minus 2? / 5 + 5
Tell me a story. / Tell me a story about a fox. / Tell me a story about a dragon.
A story about a bear, please. / Write a poem. / My name is Anna. / My name is Peter.
What time is it? / What is the weather today? / Explain quantum physics. / Who was Napoleon?
Write a Python function. / Translate this into French.
Who won the election? / How do I cook rice?
What is the meaning of life? / Tell me about dogs. / Speak louder! / asdf
"""

PROMPTS: Final = tuple(filter(None, map(str.strip, _LIST.replace("\n", "/").split("/"))))
