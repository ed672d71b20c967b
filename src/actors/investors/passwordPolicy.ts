/** Which passwords are taken: long enough, and not among the first that somebody would try. After NIST SP 800-63B. Pure. */
import { MAX_PASSWORD_LENGTH } from "../../rpc/investors.ts"

/** What is left of the lists of leaked passwords once the short ones and those the rules below find are gone; folded. */
const common = new Set([
  "passwordpassword",
  "password12345",
  "password123456",
  "password1234567",
  "password123456789",
  "mypassword123",
  "adminadmin123",
  "administrator",
  "changemeplease",
  "correcthorsebatterystaple",
  "letmeinletmein",
  "iloveyouiloveyou",
  "iloveyouforever",
  "welcometoparadise",
  "qwerty123456",
  "qwerty1234567",
  "qwertyqwerty",
  "qwerty12345678",
  "1q2w3e4r5t6y",
  "1q2w3e4r5t6y7u8i",
  "1qaz2wsx3edc",
  "1qaz2wsx3edc4rfv",
  "zaq12wsxcde3",
  "qazwsxedcrfv",
  "abcd1234abcd",
  "abc123abc123",
  "asdfasdfasdf",
  "football1234",
  "manchesterunited",
  "trustno1trustno1",
  "lzstocklzstock"
])

/** What people put digits or a sign behind when a password has to be longer. */
const commonWords = new Set([
  "password",
  "passw0rd",
  "passwort",
  "motdepasse",
  "contrasena",
  "iloveyou",
  "letmein",
  "welcome",
  "admin",
  "administrator",
  "changeme",
  "qwerty",
  "qwertz",
  "azerty",
  "qwertyuiop",
  "football",
  "baseball",
  "basketball",
  "superman",
  "batman",
  "pokemon",
  "starwars",
  "sunshine",
  "princess",
  "dragon",
  "monkey",
  "master",
  "shadow",
  "michael",
  "jennifer",
  "charlie",
  "liverpool",
  "chelsea",
  "arsenal",
  "samsung",
  "computer",
  "internet",
  "whatever",
  "trustno",
  "secret",
  "freedom",
  "summer",
  "winter",
  "lzstock"
])
/** Without what stands before and behind that is no letter. */
const wordOf = (text: string): string => text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "")

const runs = [
  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
  "0123456789012345678901234567890123456789",
  "qwertyuiopasdfghjklzxcvbnm",
  "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
  "1234567890qwertyuiop",
  "azertyuiopqsdfghjklmwxcvbn",
  "qwertzuiopasdfghjklyxcvbnm"
]
const allRuns = runs.flatMap((run) => [run, Array.from(run).reverse().join("")])

/** The shortest text that it repeats: "abcabc" → "abc". */
const unitOf = (text: string): string => {
  const at = `${text}${text}`.indexOf(text, 1)
  return text.slice(0, at)
}

/** As it is hashed: what looks the same is the same, whatever keyboard it was typed on. */
export const normalisePassword = (password: string): string => password.normalize("NFKC")

export interface PasswordPolicy {
  /** Characters as people count them (code points). */
  readonly minLength: number
}

/** What is wrong with it, for who chooses it; undefined: nothing. `email` is normalised. */
export const weakness = (password: string, email: string, { minLength }: PasswordPolicy): string | undefined => {
  const characters = Array.from(normalisePassword(password))
  if (characters.length < minLength)
    return `Use at least ${minLength} characters: a few unrelated words are easy to remember`
  if (password.length > MAX_PASSWORD_LENGTH) return `Use at most ${MAX_PASSWORD_LENGTH} characters`
  const text = characters.join("").toLowerCase()
  const mailbox = email.split("@", 1)[0] ?? ""
  if (text.includes(email) || unitOf(text) === mailbox)
    return "Do not use your e-mail address: it is the first thing others would try"
  if (new Set(characters).size < 5) return "Use more different characters"
  if (
    common.has(text) ||
    commonWords.has(unitOf(wordOf(text))) ||
    unitOf(text).length < 5 ||
    allRuns.some((run) => run.includes(text))
  ) {
    return "Choose another: this is one of the passwords that others would try first"
  }
  return undefined
}
