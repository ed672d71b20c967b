/** The project's own rules as functions over source text; rules.test.ts runs them over the tree and over bad examples. */
import ts from "typescript"
