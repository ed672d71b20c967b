/** API tokens: what programs sign in with. */
import { For, Show } from "solid-js"
import type { ApiToken } from "../../../../src/rpc/client.ts"
import { formatExact } from "../../format/moments.ts"
import { useMarket } from "../../market/context.ts"
import { KeyIcon } from "../../shell/icons.tsx"
import { Confirm } from "./Confirm.tsx"
import { NewToken } from "./NewToken.tsx"
import { Answered, Section, When } from "./parts.tsx"
import { unlessGone } from "./say.ts"
import { useAsked } from "./useAsked.ts"

const SOON = 7 * 86_400_000

export const Tokens = (props: { readonly onChange: () => void }) => {
  const market = useMarket()
  const asked = useAsked(() => market.client.account.tokens())
  const changed = async () => {
    props.onChange()
    await asked.reload()
  }
  const revoke = async (token: ApiToken) => {
    await unlessGone(market.client.account.revokeToken(token.id))
    market.toasts.say(`The token “${token.name}” is revoked`, "good")
    await changed()
  }
  return (
    <Section
      id="tokens"
      title="API tokens"
      text="For programs that connect in your name. They cannot change your account or make other tokens."
      action={<NewToken onMade={() => void changed()} />}
    >
      <Answered asked={asked} what="API tokens">
        {(tokens) => (
          <Show
            when={tokens().length > 0}
            fallback={<p class="p-4 text-soft">No tokens yet. Create one for a program of yours.</p>}
          >
            <ul class="account-list">
              <For each={tokens()}>{(token) => <Token token={token} onRevoke={() => revoke(token)} />}</For>
            </ul>
          </Show>
        )}
      </Answered>
    </Section>
  )
}

const Token = (props: { readonly token: ApiToken; readonly onRevoke: () => Promise<void> }) => {
  const market = useMarket()
  const left = () => {
    market.second()
    return props.token.expiresAt - Date.now()
  }
  const isOver = () => left() <= 0
  return (
    <li class="account-row" data-testid="token">
      <div class="flex min-w-0 gap-3">
        <span class="mt-0.5 text-soft">
          <KeyIcon />
        </span>
        <div class="min-w-0">
          <p class="flex flex-wrap items-center gap-x-2 font-semibold">
            <span class="break-words">{props.token.name}</span>
            <span class="badge">{props.token.access === "write" ? "Read and write" : "Read only"}</span>
            <Show when={isOver()}>
              <span class="badge badge-warn">Expired</span>
            </Show>
          </p>
          <p class="facts text-soft">
            <span classList={{ "text-warn": left() < SOON }} title={formatExact(props.token.expiresAt)}>
              {isOver() ? "expired " : "expires "}
              <When at={props.token.expiresAt} />
            </span>
            <span>
              <Show when={props.token.lastUsedAt} fallback="never used">
                {(at) => (
                  <>
                    used <When at={at()} />
                  </>
                )}
              </Show>
            </span>
            <span>
              created <When at={props.token.createdAt} />
            </span>
          </p>
        </div>
      </div>
      <Confirm
        button={isOver() ? "Remove" : "Revoke"}
        buttonLabel={`${isOver() ? "Remove" : "Revoke"} ${props.token.name}`}
        title={isOver() ? `Remove “${props.token.name}”?` : `Revoke “${props.token.name}”?`}
        action={isOver() ? "Remove" : "Revoke token"}
        busyText={isOver() ? "Removing…" : "Revoking…"}
        section="tokens"
        run={props.onRevoke}
      >
        <Show when={!isOver()} fallback={<p>It has expired and no longer works. It leaves the list.</p>}>
          <p>Programs that use it are disconnected at once. This cannot be undone: they need a new token.</p>
        </Show>
      </Confirm>
    </li>
  )
}
