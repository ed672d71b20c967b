/** The browsers that are signed in to this account. */
import { createSignal, For, onCleanup, Show } from "solid-js"
import type { SignIn } from "../../../../src/rpc/client.ts"
import { useMarket } from "../../market/context.ts"
import { PhoneIcon, SystemIcon } from "../../shell/icons.tsx"
import { session } from "../current.ts"
import { useSignOut } from "../useSignOut.ts"
import { Confirm } from "./Confirm.tsx"
import { Answered, Section, When } from "./parts.tsx"
import { unlessGone } from "./say.ts"
import { useAsked } from "./useAsked.ts"

/** Others come and go while one looks. */
const LOOK_AGAIN_MILLIS = 20_000

/** This one first, then those that are connected, then whichever was seen last. */
const ordered = (signIns: ReadonlyArray<SignIn>): ReadonlyArray<SignIn> =>
  [...signIns].sort(
    (a, b) =>
      Number(b.current) - Number(a.current) ||
      Number(b.connected) - Number(a.connected) ||
      b.lastSeenAt - a.lastSeenAt ||
      b.createdAt - a.createdAt
  )

export const Browsers = (props: { readonly onChange: () => void }) => {
  const market = useMarket()
  const asked = useAsked(() => market.client.account.signIns())
  const timer = setInterval(() => {
    if (document.visibilityState === "visible" && market.connection().status === "open") void asked.reload()
  }, LOOK_AGAIN_MILLIS)
  onCleanup(() => clearInterval(timer))
  const end = async (signIn: SignIn) => {
    await unlessGone(market.client.account.endSignIn(signIn.id))
    market.toasts.say(`${signIn.device} is signed out`, "good")
    props.onChange()
    await asked.reload()
  }
  return (
    <Section
      id="browsers"
      title="Signed-in browsers"
      text="If you do not know one of these, sign it out and change your password."
      action={<Everywhere />}
    >
      <Answered asked={asked} what="Signed-in browsers">
        {(signIns) => (
          <ul class="account-list">
            {/* by id: a question that is open stays open when the list is asked for again */}
            <For each={ordered(signIns()).map(({ id }) => id)}>
              {(id) => (
                <Show when={signIns().find((signIn) => signIn.id === id)}>
                  {(signIn) => <Browser signIn={signIn()} onEnd={() => end(signIn())} />}
                </Show>
              )}
            </For>
          </ul>
        )}
      </Answered>
    </Section>
  )
}

const Browser = (props: { readonly signIn: SignIn; readonly onEnd: () => Promise<void> }) => {
  const signOut = useSignOut()
  return (
    <li class="account-row" data-testid="browser">
      <div class="flex min-w-0 gap-3">
        <span class="mt-0.5 text-soft">
          <Show when={/iphone|ipad|android|mobile/i.test(props.signIn.device)} fallback={<SystemIcon />}>
            <PhoneIcon />
          </Show>
        </span>
        <div class="min-w-0">
          <p class="flex flex-wrap items-center gap-x-2 font-semibold">
            <span class="break-words">{props.signIn.device}</span>
            <Show when={props.signIn.current}>
              <span class="badge badge-here">This browser</span>
            </Show>
          </p>
          <p class="facts text-soft">
            <Show
              when={props.signIn.connected}
              fallback={
                <span>
                  seen <When at={props.signIn.lastSeenAt} />
                </span>
              }
            >
              <span class="connected-now">connected now</span>
            </Show>
            <span>{props.signIn.address}</span>
            <span>
              signed in <When at={props.signIn.createdAt} />
            </span>
          </p>
        </div>
      </div>
      <Show
        when={props.signIn.current}
        fallback={
          <Confirm
            button="Sign out"
            buttonLabel={`Sign out ${props.signIn.device}, ${props.signIn.address}`}
            title={`Sign out ${props.signIn.device}?`}
            action="Sign it out"
            busyText="Signing out…"
            section="browsers"
            run={props.onEnd}
          >
            <p>
              It signed in from {props.signIn.address}, and{" "}
              <Show
                when={props.signIn.connected}
                fallback={
                  <>
                    was seen <When at={props.signIn.lastSeenAt} />
                  </>
                }
              >
                is connected now
              </Show>
              . What it shows closes at once, and it needs your password to come back.
            </p>
          </Confirm>
        }
      >
        <button type="button" class="button" aria-label="Sign out this browser" onClick={() => void signOut()}>
          Sign out
        </button>
      </Show>
    </li>
  )
}

const Everywhere = () => {
  const market = useMarket()
  const [tokens, setTokens] = createSignal(false)
  const run = async () => {
    const takeBack = session.expectEnd("everywhere")
    try {
      await market.client.account.signOutEverywhere({ tokens: tokens() })
    } catch (error) {
      takeBack()
      throw error
    }
    session.left("everywhere")
  }
  return (
    <Confirm
      button="Sign out everywhere"
      buttonClass="shrink-0"
      title="Sign out everywhere?"
      action="Sign out everywhere"
      busyText="Signing out…"
      section="browsers"
      run={run}
    >
      <p>Every browser is signed out at once, this one too. Your data stays as it is.</p>
      <label class="check">
        <input type="checkbox" checked={tokens()} onChange={(event) => setTokens(event.currentTarget.checked)} />
        <span>
          <b class="font-semibold text-ink">Revoke all API tokens too</b>
          <br />
          Programs that use them stop working.
        </span>
      </label>
    </Confirm>
  )
}
