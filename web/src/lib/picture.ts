/** The network and the surface as pictures to keep. What CSS says of each element is written into it, so that a file stands alone. */

const KEPT = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "paint-order",
] as const;
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 16;

export function networkSvg(root: ParentNode = document): SVGSVGElement {
  const stage = need<HTMLElement>(root, '[data-walk="network"] .stage');
  const shown = need<SVGSVGElement>(stage, "svg[role=group]");
  const canvas = need<HTMLCanvasElement>(stage, "canvas");
  const frame = stage.getBoundingClientRect();
  const drawn = shown.getBoundingClientRect();
  const [width, height] = [frame.width + 2 * MARGIN, frame.height + 2 * MARGIN];
  const page = element("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` }) as SVGSVGElement;
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  page.append(element("rect", { width, height, fill: paper }));
  page.append(headings(stage, frame));
  const inner = element("g", {
    transform: `translate(${drawn.left - frame.left + MARGIN} ${drawn.top - frame.top + MARGIN})`,
  });
  const [curves, ...rest] = [...shown.children];
  if (curves) inner.append(standing(curves));
  inner.append(element("image", { href: canvas.toDataURL("image/png"), width: drawn.width, height: drawn.height }));
  inner.append(...rest.map(standing));
  page.append(inner);
  return page;
}

/** The words above the columns, which are HTML on the page. */
function headings(stage: HTMLElement, frame: DOMRect): SVGElement {
  const group = element("g", { "text-anchor": "middle", "font-family": getComputedStyle(stage).fontFamily });
  for (const column of stage.querySelectorAll<HTMLElement>(".heads .at")) {
    const title = column.querySelector("h3");
    if (!title) continue;
    const box = title.getBoundingClientRect();
    const x = box.left + box.width / 2 - frame.left + MARGIN;
    const y = box.bottom - frame.top + MARGIN - 4;
    const select = column.querySelector("select");
    const activation = select?.selectedOptions[0]?.textContent ?? column.querySelector(".note")?.textContent ?? "";
    const colours = [getComputedStyle(title).color, getComputedStyle(column.querySelector(".note") ?? title).color];
    for (const [i, text] of [title.textContent ?? "", activation].entries()) {
      const line = element("text", {
        x,
        y: y + 18 * i,
        fill: colours[i]!,
        "font-size": 13,
        "font-weight": i === 0 ? 600 : 400,
      });
      line.textContent = text.trim();
      group.append(line);
    }
  }
  return group;
}

/** A copy of an element whose look does not depend on the page's style sheets. */
function standing(original: Element): Element {
  const copy = original.cloneNode(true) as Element;
  const pairs: [Element, Element][] = [[original, copy]];
  original.querySelectorAll("*").forEach((inside, i) => pairs.push([inside, copy.querySelectorAll("*")[i]!]));
  for (const [from, to] of pairs) {
    const style = getComputedStyle(from);
    for (const name of [...to.getAttributeNames()]) {
      if (/^(class|style|role|id|tabindex|aria-.*|data-.*)$/.test(name)) to.removeAttribute(name);
    }
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none" ? true : name === "fill" || name === "stroke") to.setAttribute(name, value);
    }
  }
  copy.querySelectorAll("title").forEach((title) => title.remove());
  return copy;
}

export const svgBlob = (svg: SVGSVGElement): Blob =>
  new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });

export async function pngOf(svg: SVGSVGElement, scale = 2): Promise<Blob> {
  const [width, height] = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
  const address = URL.createObjectURL(svgBlob(svg));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return await painted(width, height, scale, (context) => context.drawImage(image, 0, 0, width, height));
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The decision surface with its points and the names of its axes. */
export function surfacePng(axes: [string, string], root: ParentNode = document, scale = 2): Promise<Blob> {
  const plane = need<HTMLElement>(root, ".plot .plane");
  const canvases = [...plane.querySelectorAll("canvas")];
  const box = plane.getBoundingClientRect();
  const margin = 36;
  const style = getComputedStyle(document.documentElement);
  return painted(box.width + 2 * margin, box.height + 2 * margin, scale, (context, width, height) => {
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, width, height);
    for (const canvas of canvases) context.drawImage(canvas, margin, margin, box.width, box.height);
    context.fillStyle = style.color;
    context.font = `14px ${style.fontFamily}`;
    context.textAlign = "center";
    context.fillText(axes[0], width / 2, height - 12);
    context.translate(18, height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(axes[1], 0, 4);
  });
}

async function painted(
  width: number,
  height: number,
  scale: number,
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void,
): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no canvas to draw on.");
  context.scale(scale, scale);
  draw(context, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The picture could not be made.");
  return blob;
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function need<T extends Element>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error("There is nothing to take a picture of on this page.");
  return found;
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
