"""Commands by which an operator sets how a deployment behaves, and switches things off and on."""
