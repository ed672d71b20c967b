/** What a person sees when the cluster is up. */
import { placeOf } from "../services/urls.mjs"

/** @param {ReadonlyArray<ReadonlyArray<string>>} rows @returns {string[]} columns aligned, two spaces between them */
const align = (rows) => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

/** As `npm start` says it. @type {Record<"local" | "accounts", (dim: (text: string) => string) => string>} */
const signInText = {
  local: (dim) =>
    `none ${dim("· whoever uses this machine is its investor; --sign-in required has everybody sign in")}`,
  accounts: (dim) => `accounts ${dim("· everybody signs in, programs show a token")}`
}

/**
 * @typedef {import("./client.mjs").Cluster} Cluster
 *
 * @param {Pick<Cluster, "folder" | "nodes" | "signIn" | "url"> & { services: Omit<Cluster["services"], "control"> }} cluster
 * @param {{ colours: boolean, seconds: number }} style
 */
export const clusterTable = ({ folder, nodes, services, signIn, url }, { colours, seconds }) => {
  const paint = (/** @type {number} */ code) => (/** @type {string} */ text) =>
    colours ? `\u001b[${code}m${text}\u001b[0m` : text
  const [bold, dim] = [paint(1), paint(2)]
  const [heads = "", ...rows] = align([
    ["NODE", "ROLE", "PID", "URL", "METRICS"],
    ...nodes.map(({ name, pid, role, url }) => [name, role, String(pid), url, `${url}/metrics`])
  ])
  const places = align([
    ["PostgreSQL", placeOf(services.databaseUrl)],
    ["Redis", placeOf(services.redisUrl)],
    ["NATS", placeOf(services.natsUrl)],
    ["Logs", folder],
    ["Operator", `npx lzstock companies, investors or audit, with --url ${url} --data-dir ${folder}`]
  ])
  const indent = (/** @type {string} */ line) => (line === "" ? line : `  ${line}`)
  const victim = nodes.find(({ role }) => role === "market")
  return `${[
    "",
    `${bold("LZStock cluster")} ${dim(`· ${nodes.length} nodes, ready in ${seconds.toFixed(1)} s`)}`,
    "",
    `${dim("Dashboard")}  ${bold(url)}`,
    `${dim("Sign-in")}    ${signInText[signIn](dim)}`,
    "",
    dim(heads),
    ...rows,
    "",
    ...places,
    "",
    dim(`kill -9 ${victim?.pid ?? "PID"} shows what happens when a node dies. Ctrl-C stops everything.`),
    ""
  ]
    .map(indent)
    .join("\n")}\n`
}
