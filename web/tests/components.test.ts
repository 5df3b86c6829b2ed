import { cleanup, fireEvent, render, screen, within } from "@testing-library/svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import App from "../src/App.svelte";
import NumberField from "../src/controls/NumberField.svelte";
import { Playground } from "../src/state/playground.svelte";
import { toFragment, type PageState } from "../src/state/address";
import { FakeTransport } from "../src/transport/fake";
import { Refused, type Command, type Message } from "../src/transport/types";

afterEach(cleanup);
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function page(state: PageState = {}, refuse: (command: Command) => Refused | null = () => null) {
  localStorage.setItem("walked", "yes");
  const transport = new FakeTransport(refuse);
  const playground = new Playground(transport, sessionStorage);
  render(App, { playground });
  playground.start(Object.keys(state).length > 0 ? `#${toFragment(state)}` : "");
  await settled();
  const did = (name: string): Command[] => transport.sent.filter((command) => command.do === name);
  return { transport, playground, did };
}

const key = (name: string, target: Element = document.body): Promise<boolean> =>
  fireEvent.keyDown(target, { key: name });

describe("a number to type", () => {
  const field = (props: Record<string, unknown> = {}) => {
    const onchange = vi.fn();
    render(NumberField, { label: "Learning rate", value: 0.03, onchange, low: 0, stops: [0.01, 0.03, 0.1], ...props });
    return { onchange, input: screen.getByLabelText("Learning rate") as HTMLInputElement };
  };

  it("sends what was typed on Enter, and nothing before", async () => {
    const { onchange, input } = field();
    await fireEvent.input(input, { target: { value: "0.5" } });
    expect(onchange).not.toHaveBeenCalled();
    await fireEvent.keyDown(input, { key: "Enter" });
    expect(onchange).toHaveBeenCalledWith(0.5);
  });

  it("keeps what is selected while the number itself changes, and shows it again afterwards", async () => {
    const props = { label: "Bias", about: "b", onchange: vi.fn() };
    const { rerender } = render(NumberField, { ...props, value: 0.5 });
    const input = screen.getByLabelText("Bias") as HTMLInputElement;
    await fireEvent.focus(input);
    await rerender({ ...props, value: 0.75 });
    expect(input.value).toBe("0.5");
    await fireEvent.blur(input);
    expect(input.value).toBe("0.75");
    expect(props.onchange).not.toHaveBeenCalled();
  });

  it("walks through its stops with the arrow keys", async () => {
    const { onchange, input } = field();
    await fireEvent.keyDown(input, { key: "ArrowUp" });
    await fireEvent.keyDown(input, { key: "ArrowDown" });
    expect(onchange.mock.calls).toEqual([[0.1], [0.01]]);
  });

  it.each([
    ["abc", /not a number/],
    ["-1", /at least 0/],
    ["", /needed/],
  ])("says what is wrong with “%s” and sends nothing", async (text, message) => {
    const { onchange, input } = field();
    await fireEvent.input(input, { target: { value: text } });
    await fireEvent.keyDown(input, { key: "Enter" });
    expect(screen.getByRole("alert").textContent).toMatch(message);
    expect(input.getAttribute("aria-invalid")).toBe("true");
    expect(onchange).not.toHaveBeenCalled();
  });

  it("takes an empty field for none where that means something", async () => {
    const { onchange, input } = field({ empty: "never" });
    await fireEvent.input(input, { target: { value: "" } });
    await fireEvent.keyDown(input, { key: "Enter" });
    expect(onchange).toHaveBeenCalledWith(null);
  });
});

describe("the page", () => {
  it("plays, pauses, steps and resets by key", async () => {
    const { playground, did } = await page();
    await key(" ");
    expect(playground.playing).toBe(true);
    await key(" ");
    await key("ArrowRight");
    await key("ArrowLeft");
    await key("r");
    expect(did("play").length + did("pause").length).toBe(2);
    expect(did("step").map(({ back }) => back)).toEqual([false, true]);
    expect(did("reset")).toHaveLength(1);
  });

  it("leaves keys to the field in which they are typed", async () => {
    const { did } = await page();
    for (const name of [" ", "r", "ArrowRight", "n"]) await key(name, screen.getByLabelText("Learning rate"));
    expect([did("play"), did("reset"), did("step"), did("new_weights")].flat()).toEqual([]);
  });

  it("opens the help with ? and names every key", async () => {
    await page();
    await key("?");
    const help = screen.getByRole("dialog", { hidden: true });
    expect(help.textContent).toMatch(/play or pause/);
  });

  it("adds a layer and a unit, and changes an activation", async () => {
    const { transport } = await page();
    await fireEvent.click(screen.getByLabelText("Add a hidden layer"));
    await settled();
    expect(transport.setup.layers.map(({ units }) => units)).toEqual([8, 8, 4]);
    await fireEvent.change(screen.getByLabelText("Activation of layer 1"), { target: { value: "relu" } });
    await settled();
    expect(transport.setup.layers[0]!.activation).toBe("relu");
  });

  it("opens a unit by key: its weights and its bias are numbers to change", async () => {
    const { playground } = await page();
    const unit = document.getElementById("unit-1-0")!;
    await key("Enter", unit);
    const editor = screen.getByRole("dialog", { name: "Unit 1 of layer 1" });
    const bias = within(editor).getByLabelText("bias");
    await fireEvent.input(bias, { target: { value: "1.25" } });
    await fireEvent.keyDown(bias, { key: "Enter" });
    expect(playground.value("b1", [0])).toBe(1.25);
    expect(within(editor).getByLabelText("from x₁")).toBeTruthy();
  });

  it("shows the server's reason beside the field at fault", async () => {
    await page({}, (command) =>
      command.do === "change" ? new Refused("inputs.2: 'foo' is not known", "inputs.2") : null,
    );
    const own = screen.getByLabelText("Your own");
    await fireEvent.change(own, { target: { value: "foo" } });
    await settled();
    expect(screen.getByRole("region", { name: "Inputs" }).textContent).toMatch(/'foo' is not known/);
  });

  it("hides what a teacher hides and shows the task as text", async () => {
    await page({ hide: ["data", "settings", "optimizer"], task: "<b>Solve</b> the spiral" });
    expect(screen.queryByRole("region", { name: "Data" })).toBeNull();
    expect(screen.queryByLabelText("Learning rate")).toBeNull();
    expect(screen.getByText("<b>Solve</b> the spiral")).toBeTruthy();
  });

  it("says when the connection is lost, and when another tab has the run", async () => {
    const { transport, playground } = await page();
    transport.close();
    await settled();
    expect(screen.getByText(/connection to the server is lost/, { selector: ".notice p" })).toBeTruthy();
    playground.connection = "taken";
    await settled();
    expect(screen.getByText("Go on here")).toBeTruthy();
  });

  it("offers to undo what a notice says can be undone", async () => {
    const { transport, did } = await page();
    transport.push({ type: "notice", level: "warning", text: "W2 became NaN at step 31", undo: true });
    await settled();
    const notice = screen.getByText("W2 became NaN at step 31").closest(".notice") as HTMLElement;
    await fireEvent.click(within(notice).getByText("Undo"));
    expect(did("undo")).toHaveLength(1);
    await settled();
    expect(screen.queryByText("W2 became NaN at step 31")).toBeNull();
  });

  it("says that a command takes long for as long as it takes", async () => {
    const { transport, playground } = await page();
    let end = (): void => {};
    transport.send = () => new Promise((resolve) => (end = () => resolve(null)));
    const done = playground.step();
    await settled();
    transport.push({ type: "notice", level: "info", text: "One moment.", undo: false, passing: true });
    await settled();
    expect(screen.getByText("One moment.")).toBeTruthy();
    end();
    await done;
    await settled();
    expect(screen.queryByText("One moment.")).toBeNull();
  });

  it("names a dead unit where it stands, and leads to the reason", async () => {
    const { playground } = await page({
      setup: { layers: [{ units: 2, activation: "relu", batch_norm: false, dropout: 0 }] },
    });
    const { header, arrays } = playground.snapshot!;
    playground.receive({ header: { ...header, dead: [[1, 1, "dead: …", -3, -1]] }, arrays } as unknown as Message);
    await settled();
    expect(screen.getByRole("tab", { name: /Gradient flow\s*1 dead unit/ })).toBeTruthy();
    await key("Enter", screen.getByRole("button", { name: "Unit 2 of layer 1, dead" }));
    await fireEvent.click(screen.getByRole("button", { name: "Why, and what helps" }));
    await settled();
    expect(playground.view.panel).toBe("flow");
    expect(playground.asked).toEqual({ layer: 1, unit: 1 });
    expect(screen.queryByRole("dialog", { name: "Unit 2 of layer 1" })).toBeNull();
  });

  it("puts points on the plane by key", async () => {
    const { did } = await page();
    await key("d");
    await settled();
    const plane = screen.getByRole("application");
    plane.focus();
    await key("ArrowRight", plane);
    await key("2", plane);
    await key("Enter", plane);
    await settled();
    const [[x1, x2, y]] = did("add_points")[0]!.points as [[number, number, number]];
    expect([x1, x2, y]).toEqual([expect.closeTo(0.24, 6), 0, 1]);
  });

  it("every control has a name", async () => {
    await page();
    for (const control of document.querySelectorAll("button, input, select, textarea")) {
      const name =
        control.getAttribute("aria-label") ?? control.closest("label")?.textContent ?? control.textContent ?? "";
      expect(name.trim(), control.outerHTML.slice(0, 120)).not.toBe("");
    }
  });
});
