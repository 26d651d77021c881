"""Stand-ins: gathers of this project's own writing, with the signatures of other projects' gathers, right on good
input. Each file puts one behind the contract with a declaration, as a user's does."""
