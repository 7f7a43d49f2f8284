/** A QR code before the camera of this machine. A module of its own, loaded when the camera is opened. */
import jsqr from "jsqr";

const LOOK_EVERY_MS = 120;

/** Why the camera gives nothing. */
export class CameraFault extends Error {
  constructor(readonly why: "denied" | "none") {
    super(why);
  }
}

/** Shows the camera's picture in `view` until a code is in it, and gives what it says; null when `signal` ended it first. */
export async function look(view: HTMLVideoElement, signal: AbortSignal): Promise<string | null> {
  const stream = await open();
  try {
    if (signal.aborted) return null;
    view.srcObject = stream;
    view.hidden = false;
    await view.play();
    const canvas = document.createElement("canvas");
    const picture = canvas.getContext("2d");
    while (!signal.aborted && picture) {
      const { videoWidth: width, videoHeight: height } = view;
      if (width > 0 && height > 0) {
        Object.assign(canvas, { width, height });
        picture.drawImage(view, 0, 0);
        const found = jsqr(picture.getImageData(0, 0, width, height).data, width, height, { inversionAttempts: "dontInvert" });
        if (found?.data) return found.data;
      }
      await new Promise((resolve) => window.setTimeout(resolve, LOOK_EVERY_MS));
    }
    return null;
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    view.srcObject = null;
    view.hidden = true;
  }
}

async function open(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  } catch (fault) {
    throw new CameraFault(fault instanceof DOMException && fault.name === "NotAllowedError" ? "denied" : "none");
  }
}
