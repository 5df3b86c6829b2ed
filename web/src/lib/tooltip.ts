import type { Attachment } from "svelte/attachments";

/** One bubble for the whole page, filled and placed when something with a tip is hovered or focused. */
let bubble: HTMLElement | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

function element(): HTMLElement {
  if (bubble === null) {
    bubble = document.createElement("div");
    bubble.className = "tooltip";
    bubble.id = "tooltip";
    bubble.setAttribute("role", "tooltip");
    document.body.append(bubble);
  }
  return bubble;
}

function show(target: Element, text: string): void {
  const box = element();
  box.textContent = text;
  box.classList.add("shown");
  const around = target.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(Math.max(8, around.left + around.width / 2 - width / 2), innerWidth - width - 8);
  const below = around.bottom + 8;
  const top = below + height > innerHeight - 8 ? around.top - height - 8 : below;
  box.style.translate = `${Math.round(left)}px ${Math.round(top)}px`;
}

function hide(): void {
  clearTimeout(timer);
  bubble?.classList.remove("shown");
}

/** `{@attach tip("What this does.")}`: said to screen readers too, as the element's description. */
export function tip(text: string | (() => string)): Attachment {
  return (node) => {
    const say = typeof text === "function" ? text : () => text;
    const soon = (event: Event): void => {
      if (event instanceof PointerEvent && event.pointerType === "touch") return;
      clearTimeout(timer);
      timer = setTimeout(() => show(node, say()), event.type === "focus" ? 0 : 450);
    };
    const focused = (event: Event): void => {
      if (node.matches(":focus-visible")) soon(event);
    };
    node.setAttribute("aria-description", say());
    const listeners: [string, (event: Event) => void][] = [
      ["pointerenter", soon],
      ["pointerleave", hide],
      ["pointerdown", hide],
      ["focus", focused],
      ["blur", hide],
    ];
    for (const [name, listener] of listeners) node.addEventListener(name, listener);
    return () => {
      hide();
      for (const [name, listener] of listeners) node.removeEventListener(name, listener);
    };
  };
}
