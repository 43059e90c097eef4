"""Barcodes as pictures where reportlab cannot draw any.

Since version 5 reportlab draws pictures with rlPyCairo alone, which needs a compiler to install;
without it each badge carries the words "QR Code" where its code should be. A barcode is rectangles
and a line of text: Pillow, which Odoo needs anyway, draws both.
"""

import io
import types

from PIL import Image, ImageDraw, ImageFont
from reportlab.graphics import renderPM
from reportlab.graphics.renderbase import Renderer, getStateDelta, renderScaledDrawing
from reportlab.lib.colors import toColor
from reportlab.pdfbase.pdfmetrics import getFont, stringWidth

FINER = 3  # how many times finer it is drawn than shown, so that edges between pixels are grey


class BarcodePicture(Renderer):
    """Draws what a barcode is made of: filled rectangles, text, and a picture in the middle.

    Coordinates of a drawing grow upwards, those of the picture downwards.

    :param drawing: of reportlab; its points are the picture's pixels
    """

    def __init__(self, drawing):
        drawing = renderScaledDrawing(drawing)
        self.width, self.height = round(drawing.width), round(drawing.height)
        self._image = Image.new("RGB", (self.width * FINER, self.height * FINER), "white")
        self._pen = ImageDraw.Draw(self._image)
        nothing = types.SimpleNamespace(saveState=lambda: None, restoreState=lambda: None)
        self.draw(drawing, nothing, showBoundary=0)

    def content(self, fmt):
        """Return the bytes of the picture, ``PNG`` for instance."""
        output = io.BytesIO()
        self._image.resize((self.width, self.height), Image.Resampling.BOX).save(output, fmt)
        return output.getvalue()

    def initState(self, x, y):
        """Begin with the drawing's own axes."""
        deltas = self._tracker._combined[-1]
        deltas["transform"] = deltas["ctm"] = (1, 0, 0, 1, x, y)
        self._tracker.push(deltas)

    def drawNode(self, node):
        """Draw a part in the axes and colours of its own."""
        self._tracker.push(getStateDelta(node))
        self.drawNodeDispatcher(node)
        self._tracker.pop()

    def _place(self, x, y):
        """Return where a point of the drawing is in the picture."""
        a, b, c, d, e, f = self.getStateValue("ctm")
        return (a * x + c * y + e) * FINER, (self.height - (b * x + d * y + f)) * FINER

    def _box(self, shape):
        """Return the corners of a rectangle in the picture: left, top, right, bottom."""
        ends = (self._place(shape.x, shape.y),
                self._place(shape.x + shape.width, shape.y + shape.height))
        columns, rows = (sorted(round(end[axis]) for end in ends) for axis in (0, 1))
        return columns[0], rows[0], columns[1], rows[1]

    def drawRect(self, rect):
        """Fill a rectangle to the very pixel, for bars stand side by side."""
        left, top, right, bottom = self._box(rect)
        if rect.fillColor is not None and left < right and top < bottom:
            self._pen.rectangle((left, top, right - 1, bottom - 1), fill=_rgb(rect.fillColor))

    def drawString(self, stringObj):
        """Write a line of text, as wide as the drawing is stretched."""
        name, size = self.getStateValue("fontName"), self.getStateValue("fontSize")
        shift = {"middle": 0.5, "end": 1}.get(self.getStateValue("textAnchor"), 0)
        start = stringObj.x - shift * stringWidth(stringObj.text, name, size)
        face = getFont(name).face
        file = (getattr(face, "filename", None) or getattr(face, "pfbFileName", None)
                or face.findT1File())
        font = ImageFont.truetype(file, max(round(size * self._scale(3)), 1))
        left, top, right, bottom = font.getbbox(stringObj.text, anchor="ls")
        if left >= right or top >= bottom:
            return
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).text((-left, -top), stringObj.text, 255, font, anchor="ls")
        narrower = self._scale(0) / self._scale(3)  # a drawing is stretched to its size
        mask = mask.resize((max(round(mask.width * narrower), 1), mask.height))
        x, y = self._place(start, stringObj.y)
        place = round(x + left * narrower), round(y + top)
        self._image.paste(_rgb(self.getStateValue("fillColor")), place, mask)

    def _scale(self, axis):
        """Return the pixels of a point of the drawing: axis 0 to the right, 3 upwards."""
        return abs(self.getStateValue("ctm")[axis]) * FINER

    def drawImage(self, image):
        """Draw a picture, such as the cross in the middle of a Swiss code."""
        left, top, right, bottom = self._box(image)
        picture = image.path if isinstance(image.path, Image.Image) else Image.open(image.path)
        self._image.paste(
            picture.convert("RGB").resize((max(right - left, 1), max(bottom - top, 1))),
            (left, top))


def _rgb(color):
    return tuple(round(255 * part) for part in toColor(color).rgb())


def _draw_to_string(drawing, fmt="PNG", **_options):
    return BarcodePicture(drawing).content(fmt.upper())


def install():
    """Make reportlab draw pictures like this, unless it has a back end that draws all."""
    if getattr(renderPM, "_pmBackend", renderPM) is None:
        renderPM.drawToString = _draw_to_string
