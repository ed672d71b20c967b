/** The file in a server's data folder that holds the operator's token, where none is set. */
export const TOKEN_FILE = "operator-token"
