/** The option table's texts: what each is called, means and defaults to. How it is read is Config.ts's. */
export interface OptionText {
  readonly group: "Server" | "Accounts" | "Market data" | "Companies" | "Cluster" | "Limits" | "Operations"
  /** Stands for the value in `--help`. */
  readonly value: string
  /** As it would be typed; absent: the option has none and may stay unset. */
  readonly default?: string
  readonly about: string
  /** Completes "… is not ". */
  readonly expects: string
  /** Never printed. Better given by its variable: a flag shows in the list of processes. */
  readonly secret?: true
}

export const options = {
  port: {
    group: "Server",
    value: "PORT",
    default: "4280",
    about: "Port of the dashboard and the RPC WebSocket; 0 takes any free one.",
    expects: "a port, 0 to 65535"
  },
  host: {
    group: "Server",
    value: "HOST",
    default: "127.0.0.1",
    about: "Address to listen on; 0.0.0.0 for every network.",
    expects: "an address"
  },
  allowedOrigins: {
    group: "Server",
    value: "LIST",
    default: "",
    about:
      "Origins besides our own whose pages may open the WebSocket, comma-separated, e.g. https://desk.example. A name under which a proxy shows this server is one of them.",
    expects: "a comma-separated list"
  },
  trustedProxies: {
    group: "Server",
    value: "LIST",
    default: "",
    about:
      "Proxies whose X-Forwarded-For is believed, addresses or networks, comma-separated, e.g. 10.0.0.0/8. None: who connects is who asks.",
    expects: "a comma-separated list of addresses or networks like 10.0.0.0/8"
  },
  role: {
    group: "Server",
    value: "ROLE",
    default: "all-in-one",
    about:
      "What this process does. all-in-one: everything, in one process. With others over NATS and PostgreSQL: gateway (dashboard and sessions), market (ticker actors), workers (the feed), migrate (brings the schema up to date and ends).",
    expects: "all-in-one, gateway, market, workers or migrate"
  },
  signIn: {
    group: "Accounts",
    value: "WHO",
    default: "auto",
    about:
      "Who has to sign in. required: everybody. local: nobody, since only this machine can connect (--host 127.0.0.1 or ::1): it has one investor. auto: local for an all-in-one server on this machine with its embedded database, else required.",
    expects: "auto, required or local"
  },
  signUp: {
    group: "Accounts",
    value: "WHO",
    default: "open",
    about: "Who may make accounts. open: anybody. operator: who shows the operator's token with it.",
    expects: "open or operator"
  },
  minPassword: {
    group: "Accounts",
    value: "N",
    default: "12",
    about: "Characters that a password has at least.",
    expects: "an integer, 8 to 64"
  },
  signInDays: {
    group: "Accounts",
    value: "N",
    default: "30",
    about: "A browser that is not used for so many days is signed out, any after three times as many.",
    expects: "an integer, 1 to 400"
  },
  feed: {
    group: "Market data",
    value: "FEED",
    default: "simulated",
    about: "simulated: a seeded market of real companies. replay: a recorded day (--data, --date).",
    expects: "simulated or replay"
  },
  symbols: {
    group: "Market data",
    value: "WHICH",
    default: "",
    about:
      "simulated: how many symbols (none: every bundled company). replay: which ones, comma-separated (none: all).",
    expects: "a number from 1, or a comma-separated list"
  },
  seed: {
    group: "Market data",
    value: "N",
    default: "42",
    about: "simulated: the same seed gives the same market.",
    expects: "an integer from 0"
  },
  rate: {
    group: "Market data",
    value: "FACTOR",
    default: "1",
    about: "simulated: how busy the market is; 2 trades twice as often.",
    expects: "a number above 0"
  },
  data: {
    group: "Market data",
    value: "DIR",
    about: "replay: folder of the recording in LEAN's layout (tick/SYMBOL/YYYYMMDD_trade.zip, …); required.",
    expects: "a folder"
  },
  date: {
    group: "Market data",
    value: "DATE",
    about: "replay: the day, YYYY-MM-DD; required. simulated: start on that trading day instead of now.",
    expects: "a date, YYYY-MM-DD"
  },
  start: {
    group: "Market data",
    value: "TIME",
    about:
      "Time of day in New York. replay: at --speed from here on, all before at once (none: 09:29:30; at max no difference). simulated: start then, on --date or the newest trading day.",
    expects: "a time of day in New York, HH:MM or HH:MM:SS"
  },
  speed: {
    group: "Market data",
    value: "FACTOR",
    default: "1",
    about: "Market seconds per second: 1 is real time, 60 a minute per second, max as fast as the actors fold.",
    expects: "a number above 0, or max"
  },
  dataDir: {
    group: "Operations",
    value: "DIR",
    default: ".lzstock",
    about: "Where this process keeps its files; created when missing.",
    expects: "a folder"
  },
  databaseUrl: {
    group: "Cluster",
    value: "URL",
    about: "PostgreSQL; none: all-in-one keeps its tables in --data-dir. Every other role needs it.",
    expects: "a URL like postgres://user:password@host:5432/database",
    secret: true
  },
  natsUrl: {
    group: "Cluster",
    value: "URL",
    about: "NATS with JetStream, for every role but all-in-one and migrate.",
    expects: "a URL like nats://host:4222",
    secret: true
  },
  redisUrl: {
    group: "Cluster",
    value: "URL",
    about: "Redis, for the newest quotes of symbols nobody watches; none: they come a moment later.",
    expects: "a URL like redis://host:6379",
    secret: true
  },
  cluster: {
    group: "Cluster",
    value: "NAME",
    default: "lzstock",
    about: "Name of the cluster: begins the subjects, streams and keys it uses on NATS and Redis.",
    expects: "a name of small letters, digits and dashes"
  },
  node: {
    group: "Cluster",
    value: "NAME",
    about: "Name of this process among its peers; none: the host's name and the process number.",
    expects: "a name"
  },
  lockSeconds: {
    group: "Cluster",
    value: "N",
    default: "10",
    about:
      "Lease on the shards a node owns: a frozen node's actors are elsewhere after it; a database that is away for less is not noticed by watchers.",
    expects: "an integer, 3 to 300"
  },
  secUserAgent: {
    group: "Companies",
    value: "WHO",
    about:
      "Who asks the SEC for its lists of companies: your name and e-mail address, which it wants to know; none: it is not asked.",
    expects: "a name and an e-mail address, like Your Name you@example.com"
  },
  secUrl: {
    group: "Companies",
    value: "URL",
    about: "A mirror that stands for both hosts of the SEC, www.sec.gov and data.sec.gov; none: the SEC's own.",
    expects: "a URL like http://127.0.0.1:9999"
  },
  secRequestsPerSecond: {
    group: "Companies",
    value: "N",
    default: "8",
    about: "Requests a second to the SEC, which blocks an address that sends more than 10.",
    expects: "an integer, 1 to 10"
  },
  operatorToken: {
    group: "Operations",
    value: "TOKEN",
    about:
      "What an operator shows to have companies synced or imported; the same on every gateway. None: a random one, in the file operator-token of --data-dir.",
    expects: "a text of 16 to 200 characters",
    secret: true
  },
  maxSessions: {
    group: "Limits",
    value: "N",
    default: "12000",
    about: "Open WebSocket sessions in all; one more is told to try again later.",
    expects: "an integer from 1"
  },
  maxInvestorSessions: {
    group: "Limits",
    value: "N",
    default: "50",
    about:
      "Open sessions of one investor on this node; one more is told to try again later. The local investor has no such limit.",
    expects: "an integer from 1"
  },
  maxAddressSessions: {
    group: "Limits",
    value: "N",
    default: "500",
    about: "Open sessions from one address (a /64 of IPv6); one more is refused with 429.",
    expects: "an integer from 1"
  },
  maxStrangers: {
    group: "Limits",
    value: "N",
    default: "2000",
    about: "Open sessions that have not said yet who they are; one more is refused with 503.",
    expects: "an integer from 1"
  },
  identifySeconds: {
    group: "Limits",
    value: "N",
    default: "5",
    about: "A session that has not said by then who it is is closed (4401).",
    expects: "an integer, 1 to 60"
  },
  maxUpgrades: {
    group: "Limits",
    value: "N",
    default: "2000",
    about: "New sessions a second, and requests about accounts, four times as many at once; more are refused with 429.",
    expects: "an integer, 1 to 1000000"
  },
  maxAddressUpgrades: {
    group: "Limits",
    value: "N",
    default: "50",
    about:
      "New sessions a second from one address, and requests about accounts, four times as many at once; more are refused with 429.",
    expects: "an integer, 1 to 1000000"
  },
  maxMessageBytes: {
    group: "Limits",
    value: "N",
    default: "65536",
    about: "Bytes of a message from a client; a longer one closes its session (1009).",
    expects: "an integer, 1024 to 65536"
  },
  signInAttempts: {
    group: "Limits",
    value: "N",
    default: "10",
    about:
      "Sign-ins tried for one account from one address at once, and one more a minute; from one address to all accounts five times that; to one account from everywhere twenty times.",
    expects: "an integer, 1 to 1000"
  },
  passwordsAtOnce: {
    group: "Limits",
    value: "N",
    default: "2",
    about:
      "Passwords hashed at the same time, 35 ms and 19 MiB each; 16 times as many wait, the rest is told to try again.",
    expects: "an integer, 1 to 64"
  },
  maxSymbols: {
    group: "Limits",
    value: "N",
    default: "5000",
    about: "Symbols a session may watch, over all its streams.",
    expects: "an integer, 1 to 20000"
  },
  maxWatches: {
    group: "Limits",
    value: "N",
    default: "32",
    about: "Watch streams a session may have open.",
    expects: "an integer, 1 to 10000"
  },
  maxMessages: {
    group: "Limits",
    value: "N",
    default: "50",
    about: "Messages a session may send per second, four times as many in a burst; faster ones close it (4429).",
    expects: "an integer, 1 to 100000"
  },
  drainSeconds: {
    group: "Operations",
    value: "N",
    default: "10",
    about: "On SIGTERM or SIGINT: time to tell clients and close. A second signal ends at once.",
    expects: "an integer, 0 to 3600"
  },
  logLevel: {
    group: "Operations",
    value: "LEVEL",
    default: "info",
    about: "trace, debug, info, warn, error or none.",
    expects: "trace, debug, info, warn, error or none"
  },
  logFormat: {
    group: "Operations",
    value: "FORMAT",
    default: "auto",
    about: "pretty, json (a line per event), or auto: pretty on a terminal, else json.",
    expects: "auto, pretty or json"
  }
} satisfies Readonly<Record<string, OptionText>>
